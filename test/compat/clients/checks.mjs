// What every client's checks share: each prints one line of JSON as it ends.
import { readFileSync } from 'node:fs'

const {
  TANDEM_URL: url,
  TANDEM_CHAT: chatModel,
  TANDEM_EMBED: embedModel,
  TANDEM_PROJECT: project,
} = process.env

/** @type {{ url: string, chatModel: string, embedModel: string, grounded: string }} */
export const server = { url, chatModel, embedModel, grounded: `${chatModel}@${project}` }

export const QUESTION = 'Where is the queue bounded?'

export const CITY = {
  type: 'object',
  properties: { city: { type: 'string', maxLength: 12 } },
  required: ['city'],
  additionalProperties: false,
}

/** @param {boolean} holds @param {string} what it should have been */
export function must(holds, what) {
  if (!holds) throw new Error(`expected ${what}`)
}

export function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'))
    .version
}

/** @param {string} version @param {Record<string, () => Promise<void>>} checks by the column that they belong to */
export async function run(version, checks) {
  console.log(JSON.stringify({ version }))
  for (const [route, check] of Object.entries(checks)) {
    let problem
    try {
      await check()
    } catch (thrown) {
      problem = String(thrown?.message ?? thrown)
        .split('\n')[0]
        .slice(0, 300)
    }
    console.log(JSON.stringify({ route, ...(problem === undefined ? {} : { problem }) }))
  }
  process.exit(0) // clients keep connections open
}
