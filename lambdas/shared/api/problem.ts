/** Those that we answer with. node:http knows all, and takes 40 ms of a cold start to load. */
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly 'violated-policies'?: readonly string[];
}

/** What a client asked for wrongly. Its text is for the client; of every other error the client sees nothing. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;

  /** @param status from 400 to 499 */
  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

const REGISTRY = 'https://iana.org/assignments/http-problem-types';

/** The types of draft-ietf-httpapi-ratelimit-headers-11. */
const KNOWN = {
  'quota-exceeded': 'Request cannot be satisfied as assigned quota has been exceeded',
  'temporary-reduced-capacity': 'Request cannot be satisfied due to temporary server capacity constraints',
} as const;

/** @param requestId by which the owner finds the answer in the log */
export function problem(status: number, detail: string, requestId: string): Problem {
  const title = TITLES[status] ?? 'Error';
  return { type: 'about:blank', title, status, detail, instance: `urn:request:${requestId}` };
}

export function knownProblem(kind: keyof typeof KNOWN, status: number, detail: string, requestId: string): Problem {
  return { ...problem(status, detail, requestId), type: `${REGISTRY}#${kind}`, title: KNOWN[kind] };
}
