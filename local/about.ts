import { isOwnHost } from './dashboard/own-page.ts';
import type { Handle } from './front-door.ts';
import { htmlTable, type systemRows } from './table.ts';

/** The page of addresses and keys. Keys are in it, so that only a name of this machine's own is answered. */
export function serveAbout(rows: ReturnType<typeof systemRows>): Handle {
  const page = htmlTable(rows);
  return (request, response) => {
    const type = (name: string) => ({ 'content-type': `text/${name}; charset=utf-8`, 'cache-control': 'no-store' });
    if (isOwnHost(request)) return response.writeHead(200, type('html')).end(page);
    return response.writeHead(403, type('plain')).end('Only at localhost.');
  };
}
