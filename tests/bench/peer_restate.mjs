// A handler of ten durable steps for Restate's server: node peer_restate.mjs DIR PORT, DIR has node_modules/@restatedev/restate-sdk.
import { createRequire } from "node:module";
const [dir, port] = process.argv.slice(2);
// The SDK is written for Node.js 22; Debian has an older one.
Promise.withResolvers ??= function () {
  const r = {};
  r.promise = new this((resolve, reject) => Object.assign(r, { resolve, reject }));
  return r;
};
const restate = createRequire(dir + "/")("@restatedev/restate-sdk");

const ten = restate.service({
  name: "ten",
  handlers: {
    run: async (ctx) => {
      let n = 0;
      for (let i = 0; i < 10; i++) n = await ctx.run("s" + i, async () => n + 1);
      return n;
    },
  },
});
restate.endpoint().bind(ten).listen(Number(port)).then(() => console.log("ready"));
