import { ranged } from "./ranged.js";

ranged("health", ["health"]);
