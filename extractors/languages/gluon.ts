import { z } from 'zod'
import type { Language } from '../types.ts'
import { findMarkedFunctions } from './python-marks.ts'
import { subscriptLaunch } from './triton-uses.ts'

const Options = z.strictObject({}).describe('No settings')

/** Gluon kernels: functions under `gluon.jit`, launched as Triton's are. */
export const gluon: Language<z.infer<typeof Options>> = {
  id: 'gluon',
  version: 2,
  summary: 'Gluon kernels (`@gluon.jit` functions) in Python files; found, not run',
  options: Options,
  extensions: ['.py'],
  findKernels: (file) => findMarkedFunctions(file, { mention: /gluon/, isMark, findLaunched: subscriptLaunch }),
}

function isMark(dotted: string): boolean {
  return /(?:^|\.)gluon(?:\._runtime)?\.jit$/.test(dotted)
}
