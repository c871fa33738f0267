/** What GET /api/health said, whatever it was. */
export interface HealthAnswer {
  /** The HTTP status. */
  readonly http: number;
  readonly headers: Headers;
  /** healthy, degraded or unhealthy; undefined where something else answered. */
  readonly status?: string;
  readonly reasons: readonly string[];
  /** As the dlq-monitor counted them last. */
  readonly deadLetters: number;
  readonly latencyMs: number;
  /** When it was asked, in milliseconds since the epoch. */
  readonly askedAt: number;
}

const TIMEOUT_MS = 10_000;

/** @throws when nothing answers within 10 s */
export async function askHealth(apiUrl: string, signal?: AbortSignal): Promise<HealthAnswer> {
  const askedAt = Date.now();
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(`${apiUrl}/api/health`, {
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  const text = await response.text();
  const latencyMs = Date.now() - askedAt;
  return { http: response.status, headers: response.headers, latencyMs, askedAt, ...bodyOf(text) };
}

function bodyOf(text: string): Pick<HealthAnswer, 'status' | 'reasons' | 'deadLetters'> {
  try {
    const { status, reasons, services } = JSON.parse(text) as Partial<Body>;
    return {
      // A problem document's status is a number.
      status: typeof status === 'string' ? status : undefined,
      reasons: Array.isArray(reasons) ? reasons.map(String) : [],
      deadLetters: Number(services?.dlq?.count ?? 0),
    };
  } catch {
    return { reasons: [], deadLetters: 0 };
  }
}

type Body = { status: unknown; reasons: unknown; services: { dlq?: { count?: unknown } } };
