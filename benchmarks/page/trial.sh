#!/bin/sh
# A trial of 1,000 steps that trains nothing: trial.sh seed=0 lr=0.1 width=32
exec awk -v "$1" -v "$2" -v "$3" 'BEGIN {
  srand(seed * 1000 + width)
  best = 0.9 - lr * lr + width / 5000
  for (step = 1; step <= 1000; ++step)
    printf "{\"type\":\"metric\",\"step\":%d,\"values\":{\"eval/accuracy\":%.6f}}\n",
           step, 0.5 + (best - 0.5) * (1 - exp(-step / 200)) + 0.02 * (rand() - 0.5)
  printf "{\"type\":\"cost\",\"values\":{\"seconds\":%d,\"tokens\":%d}}\n", width, 1000 * width
}' >> "$MVN_SPOOL"
