import type { ProgramPlan, SidePlan } from './program-plan.ts'
import type { Variable } from './test-code.ts'

/**
 * The attributes that hold the modules of a side. A module that both sides call has the name on both that the reference gives it, since
 * parameters correspond by name; the others take the names that are left, in the order in which they are made.
 */
export function moduleAttributes({ reference, kernel }: ProgramPlan, side: SidePlan): Map<Variable, string> {
  const isBoth = (name: Variable): boolean => reference.modules.includes(name) && kernel.modules.includes(name)
  const count = side.modules.some(isBoth) ? reference.modules.length : side.modules.length
  const places = side.modules.map((name) => (isBoth(name) ? reference.modules.indexOf(name) : null))
  const free = [...side.modules.keys(), ...reference.modules.keys(), side.modules.length + reference.modules.length]
    .toSorted((a, b) => a - b)
    .filter((place, at, all) => all.indexOf(place) === at && !places.includes(place))
  return new Map(
    side.modules.map((name, at) => {
      const place = places[at] ?? free.shift() ?? at
      return [name, `self.${count === 1 && place === 0 ? 'module' : `module_${place}`}`]
    }),
  )
}
