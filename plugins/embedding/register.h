// What the plugin's own file needs, without LibTorch's headers.
#pragma once

namespace mvn {

class Registry;
void register_embedding(Registry& registry);

}  // namespace mvn
