import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, relative } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { llamaServersIn } from './find.ts'

const root = mkdtempSync(join(tmpdir(), 'tandem-find-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const program = process.platform === 'win32' ? 'llama-server.exe' : 'llama-server'

/** @param at seconds; that of the folder right below the engines */
function install(home: string, path: string, at: number): void {
  const folder = join(home, 'engines', 'llama.cpp', path)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, program), '')
  const top = join(home, 'engines', 'llama.cpp', path.split('/')[0]!)
  utimesSync(top, at, at)
}
const found = async (home: string, path = '', own?: string) =>
  (await llamaServersIn({ home, env: { PATH: path }, path: own })).map((each) => relative(root, each))

test('the last that was unpacked, then others, then the first of the PATH', async () => {
  const home = join(root, 'home')
  install(home, 'b7000-vulkan/build/bin', 2000)
  install(home, 'b7001-cpu/llama-b7001', 3000)
  install(home, 'b6999-cpu', 3000)
  install(home, '.unpacking', 9000)
  mkdirSync(join(home, 'engines', 'llama.cpp', 'empty'))
  for (const name of ['one', 'two']) {
    mkdirSync(join(root, name))
    writeFileSync(join(root, name, program), '')
  }
  const engines = join('home', 'engines', 'llama.cpp')
  expect(
    await found(home, ['none', 'relative', join(root, 'one'), join(root, 'two')].join(delimiter)),
  ).toEqual([
    join(engines, 'b7001-cpu', 'llama-b7001', program),
    join(engines, 'b6999-cpu', program),
    join(engines, 'b7000-vulkan', 'build', 'bin', program),
    join('one', program),
  ])
})

test('the configured one and no other, also where nothing is there', async () => {
  expect(await found(join(root, 'home'), join(root, 'one'), join(root, 'gone'))).toEqual(['gone'])
})

test('nothing', async () => {
  expect(await found(join(root, 'nowhere'))).toEqual([])
})
