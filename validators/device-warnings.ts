import type { SelfTiming } from './protocol.ts'
import type { ValidatorWarning } from './types.ts'

/** A device that nothing is asked of any more; `left` counts judges that go on. */
export function drainWarning(slot: string, reason: string, left: number): ValidatorWarning {
  return {
    message: `the device ${slot} was taken out of use: ${reason}`,
    hint:
      left > 0
        ? 'What was to be judged there is judged on the other devices.'
        : 'No device is left. Run the same command again once it works: what was judged is kept.',
  }
}

/** A GPU that is there and that no judge could begin to work with. */
export function gpuWarning(slot: string, reason: string): ValidatorWarning {
  return {
    message: `the GPU ${slot} cannot be used, so candidates are judged as on a machine without one: ${reason}`,
    hint: 'Run `curate doctor`. PyTorch must be a CUDA build that fits the driver.',
  }
}

/** A device that no ratio of times is believed of. */
export function unsteadyWarning(slot: string, { ratio, ci_low, ci_high }: SelfTiming): ValidatorWarning {
  const [middle, low, high] = [ratio, ci_low, ci_high].map((value) => value.toFixed(3))
  return {
    message: `on the device ${slot} a program timed against itself was ${middle} times as fast (${low} to ${high})`,
    hint: 'Candidates are judged there without being timed until that is 1 again; it is looked at every five minutes. Look for other programs on the device, and at its clocks and temperature (`nvidia-smi -q -d CLOCK,PERFORMANCE`).',
  }
}
