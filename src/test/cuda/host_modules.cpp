#include "host_modules.hpp"

// A library may be built with some of them only.

extern const shim::Module module_reverse_kl __attribute__((weak));
extern const shim::Module module_forward_kl __attribute__((weak));
extern const shim::Module module_js __attribute__((weak));
extern const shim::Module module_alpha __attribute__((weak));
extern const shim::Module module_chi2 __attribute__((weak));
extern const shim::Module module_hellinger2 __attribute__((weak));

const shim::Module* shim::findModule(const std::string& divergence) {
  const struct {
    const char* name;
    const Module* module;
  } modules[] = {{"reverse-kl", &module_reverse_kl}, {"forward-kl", &module_forward_kl},
                 {"js", &module_js},                 {"alpha", &module_alpha},
                 {"chi2", &module_chi2},             {"hellinger2", &module_hellinger2}};
  for (const auto& entry : modules) {
    if (divergence == entry.name) {
      return entry.module;
    }
  }
  return nullptr;
}
