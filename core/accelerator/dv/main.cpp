// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

// Clocks cw_bench without Verilator's --timing, which is several times faster. The bench does the
// rest; exit status 0 when it says that all is as expected. Own plusargs: +trace=FILE where the
// model was built with --trace-fst, of it only cycles +trace_from=N to +trace_to=N if they are
// given; +coverage=FILE where it was built with --coverage-line.

#include <verilated.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "Vcw_bench.h"
#include "cw_bench.h"
#if VM_TRACE
#include <verilated_fst_c.h>
#endif
#if VM_COVERAGE
#include <verilated_cov.h>
#endif

namespace {

constexpr uint64_t kHalfPeriod = 5;  // in units of the model's time precision

std::string Plusarg(VerilatedContext& context, const char* name) {
  const std::string match = context.commandArgsPlusMatch(name);
  return match.empty() ? std::string() : match.substr(1 + std::strlen(name));
}

#if VM_TRACE
// A number of cycles, or what stands for a plusarg that is not given.
uint64_t Cycles(VerilatedContext& context, const char* name, uint64_t otherwise) {
  const std::string text = Plusarg(context, name);
  return text.empty() ? otherwise : std::strtoull(text.c_str(), nullptr, 10);
}
#endif

}  // namespace

int main(int argc, char** argv) {
  const std::unique_ptr<VerilatedContext> context{new VerilatedContext};
  context->fatalOnError(false);  // so that a failed assertion still leaves trace and results
  context->commandArgs(argc, argv);
  const std::string trace_file = Plusarg(*context, "trace=");
#if VM_TRACE
  context->traceEverOn(!trace_file.empty());
#endif
  const std::unique_ptr<Vcw_bench> bench{new Vcw_bench{context.get()}};
#if VM_TRACE
  VerilatedFstC trace;
  if (!trace_file.empty()) {
    bench->trace(&trace, 99);
    trace.open(trace_file.c_str());
  }
  const uint64_t trace_begin = 2 * kHalfPeriod * Cycles(*context, "trace_from=", 0);
  const uint64_t trace_end =
      2 * kHalfPeriod * Cycles(*context, "trace_to=", UINT64_MAX / (2 * kHalfPeriod));
#else
  if (!trace_file.empty()) {
    std::fprintf(stderr, "+trace needs a model that was built with --trace-fst\n");
    return 2;
  }
#endif

  bench->clk_i = 1;
  while (!context->gotFinish()) {
    bench->eval();
#if VM_TRACE
    const uint64_t now = context->time();
    if (!trace_file.empty() && now >= trace_begin && now <= trace_end) trace.dump(now);
#endif
    context->timeInc(kHalfPeriod);
    bench->clk_i = !bench->clk_i;
  }
  bench->final();
  cw_bench_abandon();
#if VM_TRACE
  if (!trace_file.empty()) trace.close();
#endif
#if VM_COVERAGE
  const std::string coverage_file = Plusarg(*context, "coverage=");
  if (!coverage_file.empty()) context->coveragep()->write(coverage_file.c_str());
#endif
  return context->gotError() ? 1 : 0;
}
