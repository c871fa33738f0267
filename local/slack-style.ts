/** Looks like Slack's desktop client in its light theme: same sizes, greys and spacing, with fonts that are at hand. */
export const SLACK_STYLE = `
* { box-sizing: border-box; margin: 0; }
body { display: flex; height: 100vh; font: 15px/1.46668 Lato, 'Slack-Lato', 'Helvetica Neue', Arial, 'Noto Color Emoji', sans-serif; color: #1d1c1d; background: #fff; }
aside { width: 200px; flex: none; padding: 0 8px; background: #4a154b; color: #d6c7d7; }
aside h1 { padding: 13px 8px; font-size: 18px; font-weight: 900; color: #fff; }
aside p { padding: 12px 8px 4px; font-size: 13px; }
aside ul { padding: 0; list-style: none; }
aside li { padding: 3px 8px; border-radius: 6px; }
aside .here { background: #1164a3; color: #fff; }
main { display: flex; flex: 1; flex-direction: column; min-width: 0; }
header { display: flex; align-items: baseline; gap: 12px; padding: 12px 20px; border-bottom: 1px solid #ddd; }
header h2 { font-size: 18px; font-weight: 900; }
header span { font-size: 13px; color: #616061; }
.channel { flex: 1; overflow-y: auto; padding: 8px 0 24px; }
.empty { padding: 40px 20px; color: #616061; }
.day { display: flex; justify-content: center; margin: 12px 0; border-top: 1px solid #ddd; height: 0; }
.day span { position: relative; top: -14px; height: 28px; padding: 3px 14px; border: 1px solid #ddd; border-radius: 14px; background: #fff; font-size: 13px; font-weight: 700; }
article { display: flex; gap: 8px; padding: 8px 20px; }
article:hover { background: #f8f8f8; }
.avatar { flex: none; width: 36px; height: 36px; margin-top: 3px; }
.message { flex: 1; min-width: 0; max-width: 760px; overflow-wrap: anywhere; }
.who { display: flex; align-items: baseline; gap: 6px; }
.who b { font-weight: 900; }
.who .app { padding: 0 3px; border-radius: 2px; background: #e8e8e8; font-size: 10px; font-weight: 700; line-height: 14px; color: #616061; }
.who time { font-size: 12px; color: #616061; }
h3 { margin: 4px 0 8px; font-size: 18px; font-weight: 900; line-height: 1.33334; }
.section, .context { white-space: pre-wrap; }
.section { margin: 4px 0 8px; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; }
.context { margin: 4px 0 8px; font-size: 13px; color: #616061; }
hr { margin: 12px 0; border: 0; border-top: 1px solid #ddd; }
b { font-weight: 700; }
a { color: #1264a3; text-decoration: none; }
a:hover { text-decoration: underline; }
code { padding: 2px 3px 1px; border: 1px solid #ddd; border-radius: 3px; background: #f8f8f8; font: 12px/1.5 Monaco, Menlo, Consolas, 'DejaVu Sans Mono', monospace; color: #c01343; white-space: pre-wrap; }
pre { margin: 4px 0; padding: 8px; border: 1px solid #ddd; border-radius: 4px; background: #f8f8f8; font: 12px/1.50001 Monaco, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre-wrap; }
.context code { font-size: 11px; }
blockquote { padding-left: 12px; border-left: 4px solid #ddd; }
.mention { padding: 0 2px; border-radius: 3px; background: #fff1c9; color: #1264a3; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 4px 0 8px; }
.button { padding: 3px 12px; border: 1px solid #bbb; border-radius: 4px; background: #fff; font-size: 13px; font-weight: 700; line-height: 22px; color: #1d1c1d; }
.button.primary { border-color: #007a5a; background: #007a5a; color: #fff; }
.button.danger { border-color: #e01e5a; color: #e01e5a; }
`;
