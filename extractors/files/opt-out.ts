import picomatch from 'picomatch'

/** Whether a repository, package or folder is on a list of those that are not to be mined; upper and lower case are the same. */
export function isOptedOut(name: string, list: readonly string[]): boolean {
  return list.length > 0 && picomatch([...list], { nocase: true, dot: true, nonegate: true })(name)
}
