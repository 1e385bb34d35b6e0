import type { Logger } from '../pipelines/core/log.ts'
import type { Plugin } from '../pipelines/core/plugin.ts'
import type { Reasoning } from '../pipelines/core/records/candidate.ts'
import type { Provenance } from '../pipelines/core/records/provenance.ts'

/** What a source may use while it resolves or opens. */
export interface SourceContext {
  /** Folder for clones, shared by all runs of a work directory. */
  readonly cacheDirectory: string
  readonly signal: AbortSignal
  readonly log: Logger
}

/** Where repositories come from. */
export interface Source<Options = unknown> extends Plugin<Options> {
  /** What people know it by, without asking anyone: `owner/name` of a repository, the name of a package or a folder. */
  nameOf(options: Options): string
  /** The commit id that the options mean now; the only step that may ask the network what is newest. */
  resolve(options: Options, context: SourceContext): Promise<string>
  /** The repository at a commit. */
  open(options: Options, commitSha: string, context: SourceContext): Promise<Repository>
}

/** A file of a repository's tree. */
export interface RepositoryFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string
  readonly numBytes: number
  /**
   * Null for ordinary files. Links, submodules and devices are listed so that they can be rejected, never followed; so is a folder
   * whose list of files a damaged repository lacks.
   */
  readonly special: 'symlink' | 'submodule' | 'special_file' | 'tree_absent' | null
  /** Another whenever the content is another; null or absent where nothing says so without reading it. */
  readonly contentId?: string | null
}

/** A repository at one commit, read from git objects: no work tree, so that nothing in it is ever executed or followed. */
export interface Repository {
  readonly name: string
  readonly url: string
  readonly commitSha: string
  /** The licence that metadata beside the files names; null or absent where there is none. */
  readonly declaredLicense?: { readonly license: string | null; readonly license_evidence: string } | null
  listFiles(): Promise<RepositoryFile[]>
  /** The bytes of files, many at once and in the order asked for. Absent blobs come back as null. */
  readFiles(paths: readonly string[]): AsyncIterable<{ path: string; content: Buffer | null }>
  /** Commits that changed lines of a file, newest first; empty where the history was not fetched. */
  history(path: string, startLine: number, endLine: number, limit: number): Promise<Commit[]>
  /** Its earlier states; absent where the history was not fetched. */
  readonly past?: RepositoryPast
  close(): Promise<void>
}

/** The earlier states of a repository. */
export interface RepositoryPast {
  /** Commits that changed a file, newest first, with the path it had after each; renames are followed. */
  revisions(path: string, limit: number): Promise<FileRevision[]>
  /** The bytes of the file after each of these commits; null for those that are not there. */
  contents(revisions: readonly FileRevision[]): AsyncIterable<Buffer | null>
  /** The repository at one of these commits. */
  at(commitSha: string): Repository
}

/** A commit that changed a file, and where the file was then. */
export interface FileRevision extends Commit {
  readonly path: string
}

/** One commit of a repository's history. */
export interface Commit {
  readonly commit_sha: string
  readonly authored_at: string
  readonly subject: string
  readonly body: string
}

/** A text file that is about to be searched. */
export interface SourceText {
  readonly path: string
  readonly text: string
}

/** A kernel as a language plug-in finds it in one file. */
export interface KernelSpan {
  readonly symbol: string
  /** As far as the file itself shows; uses in other files may change it. */
  readonly role: 'entry' | 'helper'
  readonly signature: string
  /** First line, from 1, decorators or template line included. */
  readonly startLine: number
  readonly endLine: number
  readonly launchSites: readonly { readonly line: number; readonly function: string | null }[]
  readonly autotuneConfigs: number
}

/** Something in a file that looks like a kernel and is not counted as one, with the reason. */
export interface SkippedKernel {
  readonly symbol: string
  readonly line: number
  readonly reason: string
}

/** A place that names a kernel: what tells an entry from a helper, and where launch sites come from. */
export interface KernelUse {
  /** Name of the kernel as the place spells it, without its module. */
  readonly symbol: string
  /** `launch`: host code launches it; `host`: host code hands it on; `device`: another kernel calls it. */
  readonly kind: 'launch' | 'host' | 'device'
  readonly line: number
  /** The enclosing function, or null at the top of the file. */
  readonly function: string | null
  /** The module the name was imported from, as written; null where it was not, or the language has no such thing. */
  readonly module: string | null
}

/** What a language plug-in finds in one file. */
export interface FoundKernels {
  readonly kernels: KernelSpan[]
  readonly skipped: SkippedKernel[]
  /** Uses of this file's kernels and of those of other files. */
  readonly uses: readonly KernelUse[]
}

/** A kernel language: how its kernels are found in text. */
export interface Language<Options = unknown> extends Plugin<Options> {
  /** File endings, with the dot. */
  readonly extensions: readonly string[]
  findKernels(file: SourceText, options: Options): Promise<FoundKernels>
}

/** Where a candidate's reasoning may come from when people wrote it. */
export interface ReasoningSource<Options = unknown> extends Plugin<Options> {
  findReasoning(place: Provenance, repository: Repository, options: Options): Promise<Reasoning | null>
}

/** A kernel of a repository, as pairing sees it. */
export interface MinedKernel {
  readonly id: string
  readonly language: string
  readonly symbol: string
  readonly path: string
  readonly startLine: number
  readonly endLine: number
  readonly role: 'entry' | 'helper'
}

/** A span of the repository that went into a slice. */
export interface SourcePiece {
  readonly path: string
  readonly startLine: number
  readonly endLine: number
}

/** A reference and an implementation cut out of a repository, each complete in itself. */
export interface Pair {
  readonly name: string
  /** Python in KernelBench form: `Model`, `get_inputs`, `get_init_inputs`. */
  readonly reference: string
  readonly referencePieces: readonly SourcePiece[]
  /** Top-level modules that the reference imports besides Python's own. */
  readonly referenceRequires: readonly string[]
  /** Python in KernelBench form: `ModelNew`. */
  readonly candidate: string
  readonly candidatePieces: readonly SourcePiece[]
  /** Top-level modules that the candidate imports besides Python's own. */
  readonly candidateRequires: readonly string[]
  /** Module-level overrides of the reference, one set per workload; the first is what the reference holds. */
  readonly workloads: readonly Readonly<Record<string, string>>[]
  readonly tolerance: { readonly atol: number | null; readonly rtol: number | null } | null
  readonly kernelIds: readonly string[]
  /** Language of the kernels. */
  readonly language: string
  readonly evidence: PairEvidence
}

/** What shows that a kernel and a reference mean the same. */
export interface PairEvidence {
  readonly path: string
  readonly symbol: string | null
  readonly line: number
  readonly expression: string
  readonly confidence: number
  readonly reference: ReferencePlace
}

/** Where a reference stands. */
export interface ReferencePlace {
  readonly path: string
  /** The function or class of the repository, or the dotted name of PyTorch's; null for an expression of several. */
  readonly symbol: string | null
  readonly line: number
  /** The call or expression that gives the expected value, as written, on one line. */
  readonly expression: string
}

/** Why a kernel got no pair from a method. */
export interface PairingRefusal {
  readonly kernelId: string
  readonly reason: string
  readonly detail: string | null
  /** The reference, where one was found that could not be cut out; null where there is none. */
  readonly evidence: PairEvidence | null
}

/** All text of a repository that pairing looks at, with its kernels. */
export interface PairingInput {
  readonly repository: Pick<Repository, 'name' | 'commitSha'>
  readonly kernels: readonly MinedKernel[]
  /** Path to text of every file that was read. */
  readonly files: ReadonlyMap<string, string>
  /** Tests that are looked at, by path and name; absent: all. */
  readonly searched?: ReadonlyMap<string, ReadonlySet<string>>
  /** Told after each file that was searched how many are done, and of how many; may throw to stop. */
  readonly onProgress?: (done: number, total: number) => void
}

/** A way to find the PyTorch reference of kernels. Kernels that get neither a pair nor a refusal are left to other methods. */
export interface PairingMethod<Options = unknown> extends Plugin<Options> {
  findPairs(input: PairingInput, options: Options): Promise<{ pairs: Pair[]; refusals: PairingRefusal[] }>
}

/** A row of a file of model outputs, or why it cannot be read. `row` is what a person would count: from 1, lines for text. */
export type ImportedRow =
  | { readonly row: number; readonly value: unknown }
  | { readonly row: number; readonly reason: string; readonly detail: string }

/** A file format that model outputs are read from. Rows that cannot be read come back with the reason. */
export interface ImportFormat<Options = unknown> extends Plugin<Options> {
  /** `columns` are the top-level columns that are wanted; a format that stores them apart need not read the others. */
  read(path: string, options: Options, columns: readonly string[]): AsyncIterable<ImportedRow>
}
