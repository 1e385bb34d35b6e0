/** One message of a conversation with a model. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** How an answer is drawn; null leaves it to the server. */
export interface Sampling {
  readonly temperature: number | null
  readonly top_p: number | null
  readonly max_tokens: number
  readonly seed: number | null
  /** Further fields of the request's body, as they are. */
  readonly extra: Readonly<Record<string, unknown>>
}

/** One question to a model. */
export interface ModelRequest {
  /** Names the question: equal questions have equal keys, and an answer is kept under it. */
  readonly key: string
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly sampling: Sampling
}

/** What a question took. */
export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  /** Part of `completion_tokens`; null where the server does not say. */
  readonly reasoning_tokens: number | null
  /** `server`: as it reports; `counted`: by curate's own tokenizer, where it reports nothing. */
  readonly counted_by: 'server' | 'counted'
}

/** A finished answer. */
export interface ModelAnswer {
  readonly content: string
  /** What the server sent apart from the content; null where it sends none, or has it between tags in the content. */
  readonly reasoning: string | null
  /** `stop`, `length`, `content_filter`, ... as the server says. */
  readonly finish_reason: string
  /** What the model says instead of an answer; null where it answers. */
  readonly refusal: string | null
  /** Name of the model as the server gives it. */
  readonly served_model: string | null
  readonly usage: Usage
}

/** Why there is no answer to one attempt. */
export type FailureCause =
  /** 429: too many requests. */
  | 'rate_limited'
  /** 408, 409 and every 5xx. */
  | 'server_error'
  | 'unreachable'
  /** The connection ended before the answer did. */
  | 'cut_off'
  /** No token for too long, or no end. */
  | 'too_slow'
  /** Something that is no chat completion. */
  | 'no_completion'
  /** 401 and 403. */
  | 'unauthorized'
  /** 404: wrong address or model. */
  | 'not_found'
  /** 400, 413, 422 and every other 4xx: this question is refused. */
  | 'bad_request'

/** One attempt that gave no answer. */
export interface ChatFailure {
  readonly cause: FailureCause
  /** Without keys and addresses' credentials. */
  readonly message: string
  /** How long the server asks to wait, milliseconds; null where it does not say. */
  readonly retry_after_ms: number | null
  /** What had come until then, which may have to be paid; null where nothing had. */
  readonly usage: Usage | null
}

export type ChatOutcome =
  | { readonly kind: 'answer'; readonly answer: ModelAnswer }
  | { readonly kind: 'failure'; readonly failure: ChatFailure }
