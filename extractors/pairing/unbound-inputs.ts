/**
 * The inputs that some values of the parameters leave unbound: a test that makes a tensor under `if grouped:` reads it under the same
 * condition only, while `get_inputs` hands on all of them. `blocks` are the statements that make the inputs.
 */
export function unboundInputs(blocks: readonly string[], inputs: readonly string[]): string[] {
  return inputs.filter((name) => {
    const binding = blocks.filter((block) => binds(block, name))
    return binding.length > 0 && !binding.some((block) => bindsAlways(block, name))
  })
}

function bindsAlways(block: string, name: string): boolean {
  if (!/^if\b/.test(block)) return true
  const branches = block.split(/^(?=elif\b|else\s*:)/m)
  return branches.some((branch) => /^else\s*:/.test(branch)) && branches.every((branch) => binds(branch, name))
}

// The name alone, in a list of targets, with an annotation, or in place.
function binds(block: string, name: string): boolean {
  const target = new RegExp(
    `^\\s*(?:[*([]*\\w+[)\\]]*\\s*,\\s*)*[*([]*${name}(?!\\w)[\\w\\s,()[\\]*]*(?::[^=\\n]+)?=(?!=)`,
    'm',
  )
  return target.test(block)
}
