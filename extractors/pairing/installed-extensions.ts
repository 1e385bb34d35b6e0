import { posix } from 'node:path'
import { builtExtensions } from './native-index.ts'

/**
 * The extensions that an installer builds, by the module that they are imported as, each as Python that builds the same one from the
 * same files when it is first needed. Those whose sources are not all in the repository are left out.
 */
export function installedExtensions(files: ReadonlyMap<string, string>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [path, text] of files) {
    if (posix.basename(path) !== 'setup.py') continue
    for (const [name, sources] of builtExtensions(new Map([[path, text]]))) {
      const paths = sources.map((source) => posix.join(posix.dirname(path), source))
      if (/^[A-Za-z_]\w*$/.test(name) && paths.every((each) => files.has(each))) {
        found[name] = loadText(name, paths, flagsOf(text))
      }
    }
  }
  return found
}

// What CUDA code may need to be compiled at all, or to compute what its tests expect; for which machines is for who builds it to say.
const FLAGS = /["'](-U__CUDA_NO_\w+|--expt-[a-z-]+|--use_fast_math|-std=c\+\+\d+)["']/g

function flagsOf(text: string): string[] {
  return [...new Set([...text.matchAll(FLAGS)].map(([, flag = '']) => flag))]
}

function loadText(name: string, paths: readonly string[], flags: readonly string[]): string {
  const list = (items: readonly string[]): string => `[${items.map((item) => JSON.stringify(item)).join(', ')}]`
  const hasCuda = paths.some((path) => path.endsWith('.cu'))
  const settings = hasCuda && flags.length > 0 ? [`extra_cuda_cflags=${list(flags)}`] : []
  const given = [`name=${JSON.stringify(name)}`, `sources=${list(paths)}`, ...settings]
  return `from torch.utils.cpp_extension import load\n\n${name} = load(${given.join(', ')})\n`
}
