import { z } from 'zod'
import type { Language } from '../types.ts'
import { findLaunches } from './cuda-launches.ts'
import { findMarkedKernels } from './marked-functions.ts'

const Options = z.strictObject({}).describe('No settings')

/**
 * CUDA C++ kernels: definitions marked `__global__`, wherever repositories put them: headers hold many. `CUTLASS_GLOBAL` is
 * CUTLASS's name for the mark, which other repositories use from its headers (include/cutlass/detail/helper_macros.hpp).
 */
export const cuda: Language<z.infer<typeof Options>> = {
  id: 'cuda',
  version: 4,
  summary: 'CUDA C++ kernels (`__global__` functions) in sources and headers',
  options: Options,
  extensions: ['.cu', '.cuh', '.h', '.hpp', '.hh', '.hxx', '.inl', '.inc', '.cpp', '.cc', '.cxx'],
  findKernels: (file) =>
    findMarkedKernels(file, { word: /\b(?:__global__|CUTLASS_GLOBAL)\b/, hasGrammar: true, findLaunches }),
}
