import { Option } from 'commander'
import { usageError } from '../core/errors.ts'
import { engines } from '../engines/registry.ts'

/** `--json`, as every command has it. */
export function jsonOption(): Option {
  return new Option('--json', 'print JSON lines and draw nothing').default(false)
}

/** `--work-dir`. */
export function workDirOption(): Option {
  return new Option('--work-dir <folder>', 'folder of all runs').default('work')
}

/** `--set`. */
export function setOption(): Option {
  return new Option('--set <key=value>', 'override a value of the recipe, e.g. filters.speedup.min=1.2 (repeatable)')
    .default([], 'none')
    .argParser(collect)
}

/** Collects the values of an option that may be given again and again. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value]
}

/** A flag's number, a whole one from `least`; `advice` says what else to do. */
export function wholeNumber(flag: string, least: number, advice: string): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value
    throw usageError(`${flag} takes a whole number from ${least} and not ${text}`, advice)
  }
}

/** `--engine`. */
export function engineOption(what = 'where shards run: this machine without'): Option {
  return new Option('--engine <engine>', what).choices(Object.keys(engines))
}

/** `--engine-set`. */
export function engineSetOption(): Option {
  return new Option('--engine-set <key=value>', 'set an option of the engine (repeatable; `curate list` shows them)')
    .default([], 'none')
    .argParser(collect)
}
