/** A row of open_dead_letters(), as far as more than one reads it. Times are ISO 8601. */
export interface OpenLetter {
  readonly message_id: string;
  readonly job_id: string | null;
  readonly customer_id: string | null;
  readonly reason: string;
  readonly receive_count: number;
  readonly sent_at: string;
  readonly expires_at: string;
}
