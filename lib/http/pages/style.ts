import { createHash } from 'node:crypto';
import { customProperties, DARK, LIGHT } from '../../palette.ts';

/*
 * The look of every page. The style is part of the page, so that a page takes one request. Its hash in the
 * policy makes the browser refuse any other style.
 */

export const STYLE = `:root{color-scheme:light dark;${customProperties(LIGHT)}}
@media (prefers-color-scheme:dark){:root{${customProperties(DARK)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
header,nav,main,footer{max-width:60rem;margin:0 auto;padding:1rem 1.25rem}
header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;justify-content:space-between}
header p{margin:0}
nav{padding-top:0;padding-bottom:0}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;margin:0;padding:0}
nav a{display:inline-block;padding:.4rem 0;text-decoration:none}
nav a[aria-current]{color:var(--text);font-weight:600;border-bottom:3px solid var(--accent)}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem}
h2{font-size:1.125rem;margin:0 0 .5rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.625rem;padding:1.25rem;
margin:0 0 1rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1rem;margin:0 0 1rem}
.tiles section{margin:0}
.figure{font-size:2rem;line-height:1.2;font-weight:600;margin:0 0 .25rem;font-variant-numeric:tabular-nums}
.soft,footer{color:var(--soft)}
footer,small{font-size:.875rem}
a{color:var(--accent)}
p{margin:0 0 .75rem}
form{margin:0}
label{display:block;font-weight:600;margin:0 0 .25rem}
input{width:100%;max-width:24rem;padding:.6rem .75rem;border:1px solid var(--soft);
border-radius:.375rem;background:var(--card);color:var(--text);font:inherit}
select{padding:.6rem .75rem;border:1px solid var(--soft);border-radius:.375rem;
background:var(--card);color:var(--text);font:inherit;max-width:100%}
input[type=checkbox],input[type=radio]{width:auto;margin:.3rem 0 0;flex:none}
fieldset{border:0;margin:1rem 0;padding:0}
legend{font-weight:600;padding:0;margin:0 0 .25rem}
.choice{display:flex;gap:.6rem;align-items:start;margin:0;padding:.3rem 0;font-weight:400}
.choice span{min-width:0}
.secret{display:block;padding:.75rem 1rem;border:1px solid var(--line);border-radius:.375rem;
background:var(--ground);overflow-wrap:anywhere;user-select:all}
h3{font-size:1rem;margin:1.25rem 0 .5rem}
.buttons{display:flex;flex-wrap:wrap;gap:.75rem 1rem;align-items:center}
button{padding:.6rem 1.1rem;border:1px solid var(--accent);border-radius:.375rem;
background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer}
button.danger{border-color:var(--bad);background:transparent;color:var(--bad)}
button.plain{background:transparent;color:var(--accent)}
form p,form+p,dl+p{margin:.75rem 0 0}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.fault{color:var(--bad);font-weight:600}
.done{border-left:4px solid var(--good);background:var(--card);padding:.75rem 1rem;border-radius:.375rem}
.amount,time{white-space:nowrap}
dl{margin:0 0 .75rem}
dl div{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:.4rem 0;border-bottom:1px solid var(--line)}
dt{flex:0 0 12rem;color:var(--soft)}
dd{margin:0;flex:1 1 10rem}
@media (max-width:40rem){dt{flex-basis:8rem}}
section>:last-child{margin-bottom:0}
.problem{border-left:4px solid var(--bad)}
table{width:100%;border-collapse:collapse}
th,td{text-align:left;padding:.4rem 1rem .4rem 0;border-bottom:1px solid var(--line);vertical-align:top}
.long{min-width:6rem;overflow-wrap:anywhere}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.number{text-align:right;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto;margin:0 0 .75rem;position:relative}
th:last-child,td:last-child{padding-right:0}
.pairs{grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr))}
.after{margin:.75rem 0 0}
ol,ul.plain{margin:0;padding-left:1.25rem}
ul.plain{list-style:none;padding:0}
li{margin:0 0 .4rem}
li:last-child{margin:0}
ul.plain a{white-space:nowrap}
.links{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;list-style:none;margin:0 0 1rem;padding:0}
.chart{margin:0}
.chart figcaption{color:var(--soft);font-size:.875rem;margin:0 0 .75rem}
.plot{display:flex;gap:.5rem;height:10rem}
.plot svg{flex:1;min-width:0;height:100%;overflow:visible}
.scale{display:flex;flex-direction:column;justify-content:space-between;margin:-.6rem 0;text-align:right}
.scale,.ends{color:var(--soft);font-size:.75rem;font-variant-numeric:tabular-nums}
.ends{display:flex;justify-content:space-between;margin:.5rem 0 0}
.plot path{fill:none;vector-effect:non-scaling-stroke}
.plot .grid{stroke:var(--line)}
.plot .line{stroke:var(--accent);stroke-width:2}
.plot .area{fill:var(--accent);fill-opacity:.12}
.bar{display:flex;gap:.75rem;align-items:center;justify-content:space-between}
.bar svg{flex:1 1 2rem;width:2rem;max-width:20rem;height:.625rem}
.bar .amount{min-width:5.5rem}
.bar rect{fill:var(--accent)}
@media (max-width:40rem){table{font-size:.875rem}th,td{padding-right:.5rem}
td time{display:inline-block;min-width:5.75rem;white-space:normal}}
@media print{:root{--text:#000;--soft:#444;--line:#999;--ground:#fff;--card:#fff;--accent:#1f4ed8}
body{background:#fff;color:#000}section{border-color:#999;break-inside:avoid}
form,header form,nav{display:none}}
`;

export const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`;
