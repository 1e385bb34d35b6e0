import { z } from 'zod'
import type { FoundKernels, KernelSpan, Language, SourceText } from '../types.ts'
import { blankText, matchingBracket } from './c-text.ts'
import { findFunctions, functionAround } from './c-functions.ts'
import { lineTable } from './line-table.ts'

const Options = z.strictObject({}).describe('No settings')

/**
 * SYCL kernels: what is handed to `parallel_for` or `single_task` in files that use SYCL. A kernel has no name of its own: it is called
 * after the function around it, with a number where that holds several.
 */
export const sycl: Language<z.infer<typeof Options>> = {
  id: 'sycl',
  version: 1,
  summary: 'SYCL kernels (bodies of `parallel_for`) in C++ files; found, not run',
  options: Options,
  extensions: ['.cpp', '.hpp', '.h', '.cc', '.cxx', '.sycl'],
  findKernels,
}

async function findKernels(file: SourceText): Promise<FoundKernels> {
  if (!file.text.includes('sycl')) return { kernels: [], skipped: [], uses: [] }
  const blanked = blankText(file.text)
  // Other libraries have a `parallel_for` too; code that uses SYCL's names its namespace or includes it.
  const isIncluded = blanked.directives.some(({ argument }) => /\bsycl\b/.test(argument))
  if (!isIncluded && !/\bsycl\b/.test(blanked.code)) return { kernels: [], skipped: [], uses: [] }
  const lineOf = lineTable(file.text)
  const functions = findFunctions(blanked.singleBranch)
  const counts = new Map<string, number>()
  const kernels: KernelSpan[] = []
  for (const match of blanked.code.matchAll(CALL)) {
    const open = match.index + match[0].length - 1
    const close = matchingBracket(blanked.code, open)
    const around = functionAround(functions, match.index)?.name ?? 'file'
    const count = (counts.get(around) ?? 0) + 1
    counts.set(around, count)
    if (close === null) continue
    const [startLine, line] = [lineOf(match.index), lineOf(match.index)]
    kernels.push({
      symbol: count === 1 ? around : `${around}.${count}`,
      role: 'entry',
      signature: '()',
      startLine,
      endLine: lineOf(close),
      launchSites: [{ line, function: around === 'file' ? null : around }],
      autotuneConfigs: 0,
    })
  }
  return { kernels, skipped: [], uses: [] }
}

// A call through a queue or a handler, with its kernel name as template argument or without.
const CALL = /(?:\.|->)\s*(?:template\s+)?(?:parallel_for|single_task)\s*(?:<[^;{}()]*>)?\s*\(/g
