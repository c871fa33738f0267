import type { APIGatewayProxyEvent } from 'aws-lambda';
import { Refusal } from '../shared/api/problem.ts';
import { type Place, readCursor } from './cursor.ts';

const LONGEST_ID = 128;
const LARGEST_PAGE = 100;
const DEFAULT_PAGE = 20;
const LONGEST_ECHO = 20;

export interface QueueRequest {
  readonly customerId: string;
  /** Jobs a page. */
  readonly limit: number;
  /** The page begins behind this job; undefined: with the newest. */
  readonly before: Place | undefined;
}

type Asked = Pick<APIGatewayProxyEvent, 'pathParameters' | 'queryStringParameters'>;

/** @throws Refusal that says which part was wrong, and what is wanted */
export function parseRequest({ pathParameters, queryStringParameters }: Asked): QueueRequest {
  return {
    customerId: parseCustomerId(pathParameters?.['customerId'] ?? ''),
    limit: parseLimit(queryStringParameters?.['limit'] ?? String(DEFAULT_PAGE)),
    before: parseCursor(queryStringParameters?.['cursor'] ?? undefined),
  };
}

/**
 * A REST API hands the segment of the path over as the client sent it, percent-encoded: it decodes the query only
 * (serverless/serverless#5037, aws/aws-sam-cli#771). Decoded once: a customer may be called "100%25".
 */
function parseCustomerId(segment: string): string {
  const id = decode(segment);
  const length = Array.from(id).length;
  if (length < 1 || length > LONGEST_ID) {
    throw new Refusal(400, `The customer id has ${length} characters, wanted 1 to ${LONGEST_ID}.`);
  }
  if (/\p{Cc}/u.test(id)) throw new Refusal(400, 'The customer id has a control character.');
  return id;
}

function decode(segment: string): string {
  try {
    const text = decodeURIComponent(segment);
    if (text.isWellFormed()) return text;
  } catch {}
  throw new Refusal(400, 'The customer id is not percent-encoded UTF-8.');
}

function parseLimit(text: string): number {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (limit >= 1 && limit <= LARGEST_PAGE) return limit;
  const seen = text.slice(0, LONGEST_ECHO).toWellFormed();
  throw new Refusal(400, `The limit is "${seen}", wanted a whole number from 1 to ${LARGEST_PAGE}.`);
}

function parseCursor(text: string | undefined): Place | undefined {
  if (text === undefined) return undefined;
  const place = readCursor(text);
  if (place) return place;
  throw new Refusal(400, 'The cursor is none of ours, wanted the next_cursor of an answer, unchanged.');
}
