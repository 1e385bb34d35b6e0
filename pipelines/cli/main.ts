import { CommanderError } from 'commander'
import { toCurateError } from '../core/errors.ts'
import { buildProgram } from './program.ts'
import type { CommandContext } from './program.ts'
import { openJsonReporter } from './reporter/json-reporter.ts'
import type { Reporter } from './reporter/reporter.ts'
import { openTerminalReporter } from './reporter/terminal-reporter.ts'

/** Two interrupts closer together than this are one key press that reached several processes of the same terminal. */
const SAME_KEY_PRESS_MS = 500

/** Wrong usage and bad recipes exit with 2, what a person must repair with 1. */
const USAGE_CODES = ['usage', 'bad_recipe', 'missing_import', 'not_a_folder', 'name_too_long']

// A reader that goes away (`curate list | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await main(process.argv)

async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0
  const program = buildProgram(async (execute, json) => {
    exitCode = await withReporter(execute, json)
  })
  try {
    await program.parseAsync([...argv])
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    return showError(error, openReporter(argv.includes('--json')))
  }
}

async function withReporter(execute: (context: CommandContext) => Promise<number>, json: boolean): Promise<number> {
  const reporter = openReporter(json)
  const interruption = listenForInterruption(reporter)
  try {
    return await execute({ reporter, signal: interruption.signal })
  } catch (error) {
    if (interruption.signal.aborted) return 130
    return showError(error, reporter)
  } finally {
    interruption.stop()
    reporter.close()
  }
}

function openReporter(json: boolean): Reporter {
  return json ? openJsonReporter() : openTerminalReporter()
}

function showError(error: unknown, reporter: Reporter): number {
  const known = toCurateError(error)
  reporter.close()
  reporter.error(known)
  if (known.code === 'internal' && known.cause instanceof Error) process.stderr.write(`${known.cause.stack}\n`)
  return USAGE_CODES.includes(known.code) ? 2 : 1
}

// The first Ctrl-C lets running shards come to a clean end, the second ends the process: what is done is on disk.
function listenForInterruption(reporter: Reporter): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController()
  let firstAt: number | null = null
  const interrupt = (): void => {
    if (firstAt !== null && Date.now() - firstAt > SAME_KEY_PRESS_MS) process.exit(130)
    if (firstAt !== null) return
    firstAt = Date.now()
    reporter.note('Stopping after the current step; press Ctrl-C again to stop at once. Finished shards are kept.')
    controller.abort(new Error('interrupted'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  const stop = (): void => {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
  return { signal: controller.signal, stop }
}
