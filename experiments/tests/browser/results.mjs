// Results folders to make pages of: runs of the program, and copies of them at the size of the paper's grid.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const METHODS = ["ls", "nls", "ponls", "nls-ub", { name: "gd", step_size: 0.1 }, "cdat"];
const toml = (value) =>
  typeof value === "object" ? `{ ${Object.entries(value).map(([key, of]) => `${key} = ${toml(of)}`).join(", ")} }` : JSON.stringify(value);

/** Runs of a grid on a few images; their folder. */
const make = (program, folder, sets) => {
  const all = { networks: '["mlp"]', iterations: "12", samples: "40", sharpness_every: "3", accuracy_every: "4", ...sets };
  const grid = Object.entries(all).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  execFileSync(program, ["--results", folder, "--device", "flex", ...grid], { stdio: ["ignore", "pipe", "inherit"] });
  return join(folder, "quick");
};

/** Runs of every method, with all measurements; then one whose records are damaged. */
export const makeRuns = (program, folder) => {
  const runs = make(program, folder, {
    methods: `[${METHODS.map(toml)}]`,
    losses: '["mse", "cross-entropy"]',
    diagnostics: "{ every = 6, from = 0, to = 12, eigenvalues = 24 }",
    segment: "{ at = [0, 6], window = 1 }",
  });
  const run = readdirSync(runs).find((name) => name.includes("-nls-42-") && !name.endsWith(".svg"));
  execFileSync(program, ["spectrum", "--weights", join(runs, run, "weights.safetensors"), "--dataset", "fashion-mnist",
    "--network", "mlp", "--samples", "40", "--steps", "12", "--probes", "2"], { stdio: ["ignore", "pipe", "inherit"] });
  cpSync(join(runs, run), join(runs, "damaged"), { recursive: true });
  writeFileSync(join(runs, "damaged", "run.json"), "{ \"status\": ");
  return runs;
};

/** Runs of three methods with three seeds. */
export const makeSeeds = (program, folder) =>
  make(program, folder, { methods: `[${["ls", "nls", { name: "gd", step_size: 0.1 }].map(toml)}]`, seeds: "[1, 2, 3]", samples: "20" });

/** Runs of four methods of which one diverges: its loss climbs to 10⁹, then it ends; its gradient is infinite at last.
 *  One row of NLS is missing. */
export const makeDiverging = (program, folder) => {
  const runs = make(program, folder, {
    methods: `[${["ls", "nls", "cdat", { name: "gd", step_size: 0.1 }].map(toml)}]`,
    samples: "20",
    diagnostics: "{ every = 6, from = 0, to = 12, eigenvalues = 4 }",
  });
  const edit = (method, file, how) => {
    const run = readdirSync(runs).find((name) => name.includes(`-mlp-${method}-42-`) && !name.endsWith(".svg"));
    const path = join(runs, run, file);
    writeFileSync(path, `${how(readFileSync(path, "utf8").trim().split("\n")).join("\n")}\n`);
  };
  // After the header, iteration by iteration.
  edit("gd", "metrics.csv", (rows) => rows.slice(0, 7).map((row, place) => (place === 5 ? row.replace(/^4,[^,]*/, "4,1e9") : row)));
  edit("gd", "sharpness.csv", (rows) => rows.slice(0, 3));
  edit("gd", "gradient_norms.csv", (rows) => rows.map((row, place) => (place === rows.length - 1 ? row.replace(/[^,]*$/, "inf") : row)));
  edit("nls", "metrics.csv", (rows) => rows.filter((row) => !row.startsWith("9,")));
  return runs;
};

/** 4 data sets × 5 sizes × 6 methods of 5,000 iterations, from the records of short runs. */
export const makePaperSize = (short, folder) => {
  const originals = readdirSync(short).filter((name) => /-42-[0-9a-f]{10}$/.test(name));
  const isMse = (name) => readFileSync(join(short, name, "config.toml"), "utf8").includes('loss = "mse"');
  const noise = (() => {
    let state = 1;
    return () => (state = (state * 48271) % 2147483647) / 2147483647;
  })();
  for (const name of originals.filter(isMse)) {
    const config = readFileSync(join(short, name, "config.toml"), "utf8");
    const header = (file) => readFileSync(join(short, name, file), "utf8").split("\n")[0];
    const row = (file, values) => header(file).split(",").map((column) => values[column] ?? "").join(",");
    for (const dataset of ["cifar10", "cifar100", "svhn", "emnist"]) {
      for (const samples of [1000, 2000, 3000, 4000, 5000]) {
        const run = join(folder, `${dataset}-${samples}-${name}`);
        mkdirSync(run, { recursive: true });
        const changed = config.replace('"fashion-mnist"', `"${dataset}"`).replace(/^samples = .*$/m, `samples = ${samples}`);
        writeFileSync(join(run, "config.toml"), changed);
        cpSync(join(short, name, "run.json"), join(run, "run.json"));
        const metrics = [header("metrics.csv")];
        const sharpness = [header("sharpness.csv")];
        for (let iteration = 0; iteration < 5000; iteration++) {
          const step = 10 ** (2 * noise() - 1);
          metrics.push(row("metrics.csv", { iteration, loss: Math.exp(-iteration / 2000) * (0.05 + 0.05 * noise()), step_size: step,
            trials: 2, backtracks: 1, function_evaluations: 3, gradient_norm: noise(), seconds: iteration,
            test_accuracy: iteration % 100 ? "" : noise() }));
          if (iteration % 100 === 0) {
            sharpness.push(row("sharpness.csv", { iteration, sharpness: 3 / step, lambda_min: -1, step_size: step,
              step_size_times_sharpness: 3, edge: 2 / step, residual: 0, hessian_products: 20, seconds: 1 }));
          }
        }
        writeFileSync(join(run, "metrics.csv"), metrics.join("\n") + "\n");
        writeFileSync(join(run, "sharpness.csv"), sharpness.join("\n") + "\n");
      }
    }
  }
};
