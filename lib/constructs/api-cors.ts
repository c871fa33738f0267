/** Which pages may read the API from a browser. */
export interface Cors {
  /**
   * What the gateway's own answers (refusals and preflights) say. They cannot choose between several origins, and say "*"
   * then: a refusal holds nothing that is anybody's, and to send a request is not to read its answer. What a page may read
   * of the functions' answers is theirs to say, and they name an origin only if it is one of the list.
   */
  readonly gatewayOrigin: string;
}

/** @param origins none: no page of another site may read anything */
export function corsOf(origins: readonly string[]): Cors | undefined {
  const [first, ...more] = origins;
  if (first === undefined) return undefined;
  return { gatewayOrigin: more.length === 0 ? first : '*' };
}

/** The value of the header Allow. */
export function allowedMethods(cors: Cors | undefined): string {
  return cors ? 'GET, OPTIONS' : 'GET';
}
