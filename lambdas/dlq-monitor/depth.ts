/** What SQS counts in a queue: three states that sum to the truth. */
export type Depth = { readonly visible: number; readonly inFlight: number; readonly delayed: number };

export function totalOf({ visible, inFlight, delayed }: Depth): number {
  return visible + inFlight + delayed;
}
