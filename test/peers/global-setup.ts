import { ollamaForTests } from '../ollama-for-tests.ts'
import { setUp } from '../set-up.ts'

export default function setup(): Promise<(() => void) | undefined> {
  return setUp([
    {
      name: 'OLLAMA',
      title: 'Ollama',
      find: ollamaForTests,
      remedy:
        'install Ollama, set TANDEM_TEST_OLLAMA to the folder of the program, or build it with Go: .ci/ollama.sh FOLDER (Debian, as root), then TANDEM_TEST_OLLAMA=FOLDER/bin',
    },
  ])
}
