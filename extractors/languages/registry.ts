import type { Language } from '../types.ts'
import { cpp } from './cpp.ts'
import { cuda } from './cuda.ts'
import { cuteDsl } from './cute-dsl.ts'
import { cutile } from './cutile.ts'
import { gluon } from './gluon.ts'
import { hip } from './hip.ts'
import { metal } from './metal.ts'
import { opencl } from './opencl.ts'
import { sycl } from './sycl.ts'
import { tilelang } from './tilelang.ts'
import { triton } from './triton.ts'
import { vulkan } from './vulkan.ts'

/** Kernel languages: one line each. */
export const languages = {
  triton,
  gluon,
  cuda,
  hip,
  'cute-dsl': cuteDsl,
  cutile,
  tilelang,
  metal,
  opencl,
  sycl,
  vulkan,
  cpp,
} satisfies Record<string, Language>
