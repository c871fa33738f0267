import type { IncomingMessage } from 'node:http';

/** A request before API Gateway has looked at it. */
export type ApiRequest = {
  readonly method: string;
  /** As it was sent: API Gateway decodes no percent sign in a path. */
  readonly path: string;
  /** Names and values as they were sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Decoded, as API Gateway does with these. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly sourceIp: string;
  readonly httpVersion: string;
  /** Of the request line and the headers, with what stands between them. */
  readonly headBytes: number;
};

export function readRequest(request: IncomingMessage): ApiRequest {
  const { method = 'GET', url = '/', rawHeaders, httpVersion } = request;
  const [path = '/', ...query] = url.split('?');
  const headers = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : [],
  );
  const head = [`${method} ${url} HTTP/${httpVersion}`, ...headers.map((pair) => pair.join(': '))].join('\r\n');
  return {
    method,
    path,
    headers,
    query: [...new URLSearchParams(query.join('?'))],
    // The address of whoever opened the connection. X-Forwarded-For is what the client wrote.
    sourceIp: (request.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, ''),
    httpVersion,
    headBytes: Buffer.byteLength(head),
  };
}

export function headerOf({ headers }: ApiRequest, name: string): string | undefined {
  return headers.findLast(([one]) => one.toLowerCase() === name)?.[1];
}

/** The body, or undefined when it is larger than `mostBytes`; then no more of it is read. */
export async function readBody(request: IncomingMessage, mostBytes: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not end the connection: the client shall hear why.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
