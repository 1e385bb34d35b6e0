import { CurateError } from '../pipelines/core/errors.ts'

/** What a judge calls a failure of its machine, as the error that a person reads. */
export function machineFailure(code: string, message: string): CurateError {
  const known = KNOWN[code]
  if (known === undefined) return new CurateError(code, `the validator’s Python process failed: ${message}`, DEFECT)
  return new CurateError(known.code ?? code, `${known.what}: ${message}`, known)
}

/** Whether a judge that failed so may do better when it is started anew. */
export function isWorthAnotherTry(code: string): boolean {
  return !['bad_request', 'disk_full', 'torch_missing'].includes(code)
}

const DEFECT = {
  hint: 'This is a defect in curate or on this machine: run `curate doctor`, and report it with the log file.',
  retryable: true,
}

interface Known {
  /** Another code towards people than between processes. */
  readonly code?: string
  readonly what: string
  readonly hint: string
  readonly retryable: boolean
}

const KNOWN: Record<string, Known> = {
  disk_full: {
    what: 'there is no room left for scratch files or builds',
    hint: 'Free some disk space (builds lie in the work directory, scratch files in TMPDIR) and run the same command again: finished evaluations are kept.',
    retryable: true,
  },
  torch_missing: {
    what: 'the Python that is to judge kernels cannot import PyTorch',
    hint: 'Install it there (`python -m pip install torch numpy`), or unset CURATE_PYTHON and run `curate doctor --prepare`.',
    retryable: false,
  },
  worker_lost: {
    what: 'the validator’s Python process was lost twice',
    hint: 'Run `curate doctor`. Too little memory is the usual reason: lower validate.workers or validate.memory_bytes.',
    retryable: true,
  },
  device_out_of_memory: {
    what: 'the GPU has too little memory for what is compared',
    hint: 'Lower validate.workers, so that fewer judges share it, or give the task smaller workloads.',
    retryable: true,
  },
  worker_unusable: {
    what: 'the validator’s Python process could not start',
    hint: 'Run `curate doctor`: it says what is missing on this machine.',
    retryable: false,
  },
  device_unhealthy: {
    what: 'the GPU does not compute as it should',
    hint: 'Look for Xid errors in the kernel’s log (`dmesg`) and at `nvidia-smi -q`. The same command goes on where this run ended once the GPU works.',
    retryable: true,
  },
  device_unusable: {
    what: 'the device cannot be judged on',
    hint: 'Run `curate doctor`: it says what is missing on this machine.',
    retryable: true,
  },
  sandbox_unusable: {
    what: 'no process could be started in the sandbox',
    hint: 'Run `curate doctor`: it says which layers hold here. Too many processes or too little memory are the usual reasons.',
    retryable: true,
  },
  bad_request: {
    code: 'internal',
    what: 'the judge did not understand a request',
    hint: 'This is a defect in curate: please report it with the log file of the run.',
    retryable: false,
  },
}
