import { ranged } from "./ranged.js";

ranged("overview", ["alerts", "incidents", "health"]);
