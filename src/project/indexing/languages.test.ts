import { expect, test } from 'vitest'
import { languageOf, roleOf } from './languages.ts'

test.each([
  ['src/queue.ts', 'typescript', 'source'],
  ['src/App.tsx', 'tsx', 'source'],
  ['src/queue.test.ts', 'typescript', 'test'],
  ['tests/test_queue.py', 'python', 'test'],
  ['pkg/queue_test.go', 'go', 'test'],
  ['src/test/java/a/QueueTest.java', 'java', 'test'],
  ['lib/index.d.ts', 'typescript', 'declaration'],
  ['examples/run.js', 'javascript', 'example'],
  ['bench/lib/tree.js', 'javascript', 'example'],
  ['README.md', 'markdown', 'docs'],
  ['LICENSE', 'text', 'docs'],
  ['docs/index.html', 'html', 'docs'],
  ['package.json', 'json', 'config'],
  ['Dockerfile', 'dockerfile', 'config'],
  ['api/generated/client.ts', 'typescript', 'generated'],
  ['a/b.pb.go', 'go', 'generated'],
  ['include/foo.h', 'c', 'source'],
  ['unknown.zzz', 'text', 'docs'],
  ['src/contest.ts', 'typescript', 'source'],
  ['src/latest/file.ts', 'typescript', 'source'],
])('%s is %s, %s', (path, language, role) => {
  expect(languageOf(path)).toBe(language)
  expect(roleOf(path)).toBe(role)
})
