#!/bin/sh
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-task=1
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --open-mode=append
# One shard of a plan per task of a Slurm array; see docs/scale-out.md:
#   sbatch --array=0-63%16 examples/slurm-array.sh work/RUN/plans/validate.json
# A task that is requeued after its node was lost does no harm: the first try to finish a shard counts.
set -eu
export CURATE_NODE="${SLURMD_NODENAME:-$(hostname)}" CURATE_CORES="${SLURM_CPUS_PER_TASK:-1}"
# With a GPU that is given and not there, a shard fails rather than be judged as on a machine without one.
export CURATE_GPUS="${SLURM_GPUS_ON_NODE:-0}"
exec curate shard --plan "$1" --index "$SLURM_ARRAY_TASK_ID" --json
