// Writes what Nunjucks makes of the templates in conformance.json into that file, so that the
// test compares with the real thing:
//   npm pack nunjucks@3.2.4 && tar xzf nunjucks-3.2.4.tgz
//   node expect.cjs package/browser/nunjucks.js
const fs = require('fs');
const path = require('path');

const nunjucks = require(path.resolve(process.argv[2]));
const file = path.join(__dirname, 'conformance.json');
const { values, cases } = JSON.parse(fs.readFileSync(file, 'utf8'));
for (const c of cases) {
  const uninstall = c.jinja ? nunjucks.installJinjaCompat() : () => {};
  const env = nunjucks.configure({
    autoescape: false, trimBlocks: !!c.trimBlocks, lstripBlocks: !!c.lstripBlocks,
    tags: { variableStart: c.jinja ? '{{' : '${{', variableEnd: '}}' },
  });
  delete c.want;
  delete c.fails;
  try {
    c.want = env.renderString(c.template, JSON.parse(JSON.stringify(values)));
  } catch (error) {
    c.fails = true;
  }
  uninstall();
}
const lines = cases.map((c) => '    ' + JSON.stringify(c)).join(',\n');
fs.writeFileSync(file, `{\n  "values": ${JSON.stringify(values)},\n  "cases": [\n${lines}\n  ]\n}\n`);
