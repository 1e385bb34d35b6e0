import { z } from 'zod'
import type { FoundKernels, Language, SourceText } from '../types.ts'
import { blankText } from './c-text.ts'
import { findFunctions } from './c-functions.ts'
import { lineTable } from './line-table.ts'

const Options = z.strictObject({}).describe('No settings')

/** Vulkan compute shaders: one kernel a file, its `main` function, which is what a pipeline runs. */
export const vulkan: Language<z.infer<typeof Options>> = {
  id: 'vulkan',
  version: 1,
  summary: 'Vulkan compute shaders (`main` of GLSL .comp files); found, not run',
  options: Options,
  extensions: ['.comp'],
  findKernels,
}

async function findKernels(file: SourceText): Promise<FoundKernels> {
  const { code, singleBranch } = blankText(file.text)
  const lineOf = lineTable(file.text)
  // Variants of `main` behind preprocessor conditions are one shader.
  const [main] = findFunctions(singleBranch).filter(({ name }) => name === 'main')
  if (main === undefined) {
    const at = /\bvoid\s+main\s*\(/.exec(code)?.index
    const skipped = at === undefined ? [] : [{ symbol: 'main', line: lineOf(at), reason: 'unreadable_signature' }]
    return { kernels: [], skipped, uses: [] }
  }
  const kernel = {
    symbol: 'main',
    role: 'entry' as const,
    signature: '()',
    startLine: lineOf(main.start),
    endLine: lineOf(main.bodyEnd - 1),
    launchSites: [],
    autotuneConfigs: 0,
  }
  return { kernels: [kernel], skipped: [], uses: [] }
}
