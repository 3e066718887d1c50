#!/usr/bin/env node
// biome-ignore-all lint/style/useTemplate: template literals are too new for the Node that this line is for
// Old JavaScript on purpose: a Node that is too old must get as far as telling so.

var wanted = [20, 19];
var version = process.versions.node.split(".").map(Number);
if (version[0] < wanted[0] || (version[0] === wanted[0] && version[1] < wanted[1])) {
  console.error("nyanza: needs Node.js " + wanted.join(".") + " or newer, this is " + process.versions.node);
  process.exit(1);
}
import("../dist/bundle/main.js").catch((error) => {
  if (error && error.code === "ERR_MODULE_NOT_FOUND" && /dist.bundle.main\.js/.test(error.message)) {
    console.error("nyanza: has not been built: run `npm ci && npm run build` first");
  } else {
    console.error(error);
  }
  process.exit(1);
});
