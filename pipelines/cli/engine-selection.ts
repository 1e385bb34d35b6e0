import { createInterface } from 'node:readline/promises'
import { parse } from 'yaml'
import { usageError } from '../core/errors.ts'
import { engines } from '../engines/registry.ts'
import type { Engine } from '../engines/types.ts'
import type { Registry } from '../core/plugin.ts'
import type { Reporter } from './reporter/reporter.ts'

/** The engine of `--engine`, this machine where none is named, with the options of `--engine-set`. */
export function selectEngine(
  named: string | undefined,
  sets: readonly string[],
): { plugin: Engine; options: unknown; isNamed: boolean } {
  const id = named ?? 'local'
  const registry: Registry<Engine> = engines
  const plugin = registry[id]
  if (plugin === undefined) throw usageError(`there is no engine ${id}`, `Engines: ${Object.keys(engines).join(', ')}.`)
  const parsed = plugin.options.safeParse(Object.fromEntries(sets.map(parseSet)))
  if (parsed.success) return { plugin, options: parsed.data, isNamed: named !== undefined }
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || '--engine-set'}: ${message}`)
  throw usageError(`the options of the engine ${id}: ${problems.join('; ')}`, '`curate list` shows them all.')
}

function parseSet(text: string): [string, unknown] {
  const equals = text.indexOf('=')
  if (equals > 0) return [text.slice(0, equals), parse(text.slice(equals + 1))]
  throw usageError(`--engine-set ${text}: expected key=value`, 'For example: --engine-set address=http://head:8265')
}

/**
 * Asks at the terminal until the answer is the beginning of one of the choices; null where nobody is there to answer, or whoever is presses
 * Ctrl-C or Ctrl-D instead.
 */
export async function askAtTerminal(
  question: string,
  choices: readonly string[],
  reporter: Reporter,
): Promise<string | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null
  reporter.close()
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const gone = new AbortController()
  terminal.once('SIGINT', () => gone.abort())
  terminal.once('close', () => gone.abort())
  const { signal } = gone
  try {
    for (;;) {
      const given = await terminal.question(`${question} [${choices.join('/')}] `, { signal }).catch(() => null)
      if (given === null) return null
      const answer = given.trim().toLowerCase()
      const chosen = choices.find((choice) => answer !== '' && choice.startsWith(answer))
      if (chosen !== undefined) return chosen
    }
  } finally {
    terminal.close()
  }
}
