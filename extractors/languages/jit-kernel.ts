import { fieldOf, textOf } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'
import type { FoundKernels, KernelSpan } from '../types.ts'
import { launchSitesOf, roleOf } from './kernel-uses.ts'
import { countAutotuneConfigs } from './triton-autotune.ts'
import type { JitFunction } from './triton-jit.ts'

/** The kernel that a marked function of Python is; its autotune configurations stand in `decorators`. */
export function jitKernel(
  file: PythonFile,
  found: JitFunction,
  uses: FoundKernels['uses'],
  decorators: readonly SyntaxNode[],
): KernelSpan {
  const own = uses.filter(({ symbol, module }) => symbol === found.name && module === null)
  const parameters = fieldOf(found.definition, 'parameters')
  return {
    symbol: found.symbol,
    role: roleOf(own),
    signature: parameters === null ? '()' : textOf(file, parameters),
    startLine: file.lineOf(found.outer.start),
    endLine: file.lineOf(found.outer.end - 1),
    launchSites: launchSitesOf(found.name, own),
    autotuneConfigs: countAutotuneConfigs(file, decorators),
  }
}
