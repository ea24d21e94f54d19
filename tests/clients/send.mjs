// Sends one of each call by a client library, unchanged but for its host: node send.mjs segment|rudder HOST KEY
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const [library, host, key] = process.argv.slice(2);

function client() {
  if (library === "segment") {
    const { Analytics } = require("@segment/analytics-node");
    return new Analytics({ writeKey: key, host, flushAt: 6, flushInterval: 200 });
  }
  const Rudder = require("@rudderstack/rudder-sdk-node");
  return new (Rudder.default ?? Rudder)(key, { dataPlaneUrl: host, flushAt: 6, flushInterval: 200 });
}

const analytics = client();
analytics.on?.("error", (error) => console.error("error", error));
analytics.track({ anonymousId: "visitor", event: "Product Viewed", properties: { sku: "a" } });
analytics.identify({ userId: "ann", anonymousId: "visitor", traits: { email: "ann@example.com", firstName: "Ann" } });
analytics.track({ userId: "ann", event: "Order Completed", properties: { total: 39.9, currency: "EUR" } });
analytics.page({ userId: "ann", name: "Home", properties: { url: "/" } });
analytics.group({ userId: "ann", groupId: "acme", traits: { plan: "team" } });
analytics.alias({ userId: "ann", previousId: "ann@old.example.com" });

if (library === "segment") {
  await analytics.closeAndFlush({ timeout: 20_000 });
} else {
  await new Promise((done) => analytics.flush(done));
  await new Promise((done) => setTimeout(done, 200));
}
