// What the plugin's own file needs, without LibTorch's headers.
#pragma once

namespace mvn {

class Registry;
void register_classification(Registry& registry);

}  // namespace mvn
