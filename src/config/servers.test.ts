import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadConfig } from './load.ts'
import { shownSettings } from './show.ts'

const home = mkdtempSync(join(tmpdir(), 'tandem-servers-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

function load(yaml: string, env: NodeJS.ProcessEnv = {}) {
  const file = join(home, 'servers.yaml')
  writeFileSync(file, yaml)
  return loadConfig({ home, file, env })
}
const problem = (yaml: string, env?: NodeJS.ProcessEnv): string => {
  try {
    load(yaml, env)
  } catch (thrown) {
    return (thrown as Error).message
  }
  throw new Error('it was taken')
}

test('servers are a list of their own, in the file or as JSON in the variable', () => {
  const yaml = 'servers:\n  - {name: studio, url: "http://127.0.0.1:1234/v1", kind: lmstudio}\n'
  expect(load(yaml).config.servers).toEqual([
    { name: 'studio', url: 'http://127.0.0.1:1234/v1', kind: 'lmstudio' },
  ])
  const variable = '[{"name":"team","url":"https://ai.example/v1","tasks":["chat"],"apiKey":"env:TEAM_KEY"}]'
  const loaded = load(yaml, { TANDEM_SERVERS: variable, TEAM_KEY: 'not-to-be-shown' })
  expect(loaded.config.servers[0]).toMatchObject({ name: 'team', apiKey: 'env:TEAM_KEY' })
  expect(loaded.source['servers']).toEqual({ from: 'environment', where: 'TANDEM_SERVERS' })
  expect(JSON.stringify(shownSettings(loaded))).not.toContain('not-to-be-shown')
  expect(load('log: {level: warn}').config).toMatchObject({ servers: [], adopt: { discover: true } })
})

describe('is refused with its place', () => {
  test.each([
    ['servers: {name: a}', /servers\.yaml:1:10: servers: .*allowed: a list/],
    ['servers: [{name: a}]', /servers\.0\.url/],
    ['servers: [{name: a, url: "127.0.0.1:80"}]', /servers\.0\.url: .*an address with http or https/],
    ['servers: [{name: "a b", url: "http://127.0.0.1"}]', /servers\.0\.name: .*letters, digits/],
    [
      'servers: [{name: a, url: "http://127.0.0.1", apiKey: sk-123}]',
      /servers\.0\.apiKey: .*env:NAME.*keychain:NAME/,
    ],
    ['servers: [{name: a, url: "http://127.0.0.1", apiKey: "keychain:a b"}]', /servers\.0\.apiKey/],
    ['servers: [{name: a, url: "http://127.0.0.1", apiKey: "keychain:-x"}]', /servers\.0\.apiKey/],
    ['servers: [{name: a, url: "http://127.0.0.1", port: 1}]', /servers\.0: .*port/],
    ['servers: [{name: a, url: "http://u:p@127.0.0.1"}]', /servers\.0\.url/],
    [
      'servers: [{name: a, url: "http://127.0.0.1:1"}, {name: a, url: "http://127.0.0.1:2"}]',
      /entry 2.*given twice/,
    ],
  ])('%s', (yaml, expected) => {
    expect(problem(yaml)).toMatch(expected)
  })

  test('[private] an address beyond this machine whose tasks are not said', () => {
    expect(problem('servers: [{name: far, url: "https://ai.example/v1"}]')).toMatch(
      /leaves this machine.*tasks/,
    )
    expect(
      load('servers: [{name: far, url: "https://ai.example/v1", tasks: [chat]}]').config.servers,
    ).toHaveLength(1)
    expect(load('servers: [{name: near, url: "http://localhost:1234"}]').config.servers).toHaveLength(1)
  })
})
