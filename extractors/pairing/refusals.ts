import type { PairingRefusal } from '../types.ts'

/**
 * Why a comparison of a test gives no pair, from the least to the most that was understood: of several refusals for one kernel the
 * one furthest down is reported.
 */
export const REFUSALS = {
  too_much_work: 'telling the two sides of the comparison apart would cost too much',
  whole_model: 'the comparison reaches so many kernels that it says nothing about one of them',
  no_output: 'the call that is measured gives nothing back',
  metadata_only: 'only shapes, dtypes or other facts about tensors are compared',
  literal_expectation: 'the expected value is written down, not computed',
  gradient_only: 'only gradients are compared',
  expected_from_output: 'the expected value is made from the tested output',
  input_expected: 'an input itself is expected, as after packing and unpacking it',
  same_operator_twice: 'two settings of the same operator are compared',
  reference_is_kernel: 'the expected value comes from another kernel of the repository',
  numpy_reference: 'the reference is written in numpy or scipy',
  multi_device: 'several devices or processes are needed',
  random_output: 'the output is random',
  no_inputs: 'two implementations are registered as the same, and nothing says what they are called with',
  test_fixture: 'a value comes from a fixture or from `self`',
  unknown_parameters: 'parameter values cannot be told without running something',
  object_input: 'an input is an object of a class of the repository',
  command_line: 'a value comes from the command line of a script',
  unknown_context: 'a `with` block around the calls changes what they do',
  branching_test: 'the test decides while it runs which values it compares',
  interleaved_inputs: 'an input is given a new value between the two calls',
  unlike_parameters: 'the modules of the two sides hold different parameters',
  state_shared_with_input: 'a parameter of one side is an input of the other',
  rebound_import: 'a name is both imported and redefined',
  module_as_value: 'a module is passed around as a value',
  reads_files: 'code reads files of the repository',
  unresolved_name: 'a name is defined nowhere in the repository',
  third_party_import: 'code imports a package that is not allowed',
  native_build: 'the build of a native extension cannot be told from the source',
  definition_order: 'definitions depend on each other in a circle',
  too_large: 'the code that is needed exceeds the limit',
  invalid_result: 'the code that was cut out is not complete',
  candidate_import: 'the implementation that was cut out cannot be imported by itself',
  candidate_fails: 'the implementation that was cut out fails when its module is run',
  reference_import: 'the reference that was cut out cannot be imported by itself',
  reference_fails: 'the reference that was cut out fails on its own inputs',
  reference_constant: 'the reference gives the same whatever its inputs are',
  reference_returns_input: 'the reference gives back one of its inputs as it was',
} as const

export type RefusalReason = keyof typeof REFUSALS

/** Whether a refusal came further than another: one that found a reference before all others. */
export function cameFurther(one: PairingRefusal, other: PairingRefusal): boolean {
  if ((one.evidence === null) !== (other.evidence === null)) return one.evidence !== null
  // Of two references that could not be cut out the surer one is told.
  const surer = (one.evidence?.confidence ?? 0) - (other.evidence?.confidence ?? 0)
  if (Math.abs(surer) > 0.02) return surer > 0
  return refusalRank(one.reason) > refusalRank(other.reason)
}

/** How much was understood before a refusal; larger is more. */
export function refusalRank(reason: string): number {
  return Object.keys(REFUSALS).indexOf(reason)
}
