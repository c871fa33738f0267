import { type Html, html } from './html.ts';

export interface ActionButton {
  readonly label: string;
  /** What a screen reader says where several buttons bear the same label. @default the label */
  readonly spoken?: string;
  /** ARN of the function that is called. */
  readonly endpoint: string;
  /** What it is called with. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The question before it is done. @default none is asked */
  readonly confirmation?: string;
  readonly isPrimary?: boolean;
}

/**
 * A button of a custom widget: CloudWatch puts the action on the element before it, and the answer in a popup.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
 */
export function actionButton({ label, spoken = label, endpoint, params, confirmation, isPrimary }: ActionButton): Html {
  const look = isPrimary ? html`btn btn-primary` : html`btn`;
  const question = confirmation === undefined ? html`` : html` confirmation="${confirmation}"`;
  return html`<a class="${look}" aria-label="${spoken}">${label}</a><cwdb-action action="call" display="popup" endpoint="${endpoint}"${question}>${asJson(params)}</cwdb-action>`;
}

/** JSON that is the same text whether it is read as HTML or as it stands. */
function asJson(params: object): Html {
  const unicode = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return { html: JSON.stringify(params).replace(/[<>&'`\u007f-\uffff]/g, unicode) };
}
