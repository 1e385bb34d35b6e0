import type { PythonModule } from '../python/modules.ts'

const MAX_LINES = 12

/** The copyright and licence lines on top of the files that code was taken from, each once, in order of path. */
export function copyrightLines(modules: readonly PythonModule[]): string[] {
  const byPath = new Map(modules.map((module) => [module.path, module.file.text]))
  const sorted = [...byPath].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const lines = sorted.flatMap(([, text]) => topLines(text))
  return [...new Set(lines)].slice(0, MAX_LINES).map((line) => `# ${line}`)
}

function topLines(text: string): string[] {
  return text
    .split('\n', 30)
    .map((line) => line.trim().replace(/^(?:#+|\/\/|\*)\s*/, ''))
    .filter((line) => /^(?:copyright\b|©|\(c\)|SPDX-License-Identifier:|SPDX-FileCopyrightText:)/i.test(line))
}
