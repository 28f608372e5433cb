// One divergence's kernels as host code. CLIPKL_DIVERGENCE is its header, MODULE its name in C, and
// the namespace clipkl is renamed for each, since each has its own Divergence.
#define CLIPKL_BLOCKS
#define CLIPKL_CLUSTERS
#include "kernels.cu"
#include "host_modules.hpp"

namespace {

template <void (*KERNEL)(const clipkl::RowsParameters)>
void onRows(void** arguments) {
  KERNEL(*static_cast<const clipkl::RowsParameters*>(arguments[0]));
}

void onSelfTest(void** arguments) {
  self_test(*static_cast<const int**>(arguments[0]), *static_cast<int**>(arguments[1]),
            *static_cast<int*>(arguments[2]));
}

const std::vector<size_t> ROWS = {sizeof(clipkl::RowsParameters)};
const std::vector<size_t> SELF_TEST = {sizeof(void*), sizeof(void*), sizeof(int)};

}  // namespace

extern const shim::Module MODULE;

const shim::Module MODULE = {
    {"run_rows", onRows<run_rows>, ROWS, 80},
    {"evaluate_rows", onRows<evaluate_rows>, ROWS, 80},
    {"gradient_rows", onRows<gradient_rows>, ROWS, 80},
    {"self_test", onSelfTest, SELF_TEST, 80},
#ifdef CLIPKL_FUSES
    {"step_rows", onRows<step_rows>, ROWS, 80},
    {"step_rows_cluster", onRows<step_rows_cluster>, ROWS, 90},
#endif
    {"run_rows_cluster", onRows<run_rows_cluster>, ROWS, 90},
    {"self_test", onSelfTest, SELF_TEST, 90}};
