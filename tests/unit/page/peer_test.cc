#include "orchestrate/page/peer.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

// As /proc/net/tcp has it: the server's side of a connection, the client's side, another port.
constexpr const char* kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout\n"
    "   0: 0100007F:2239 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000  1000        0\n"
    "   1: 0100007F:A1B2 0100007F:2239 01 00000000:00000000 00:00000000 00000000  1007        0\n"
    "   2: 0100007F:A1B3 0100007F:2239 06 00000000:00000000 03:00000176 00000000     0        0\n";

TEST(Peer, TheOwnerIsThatOfTheOtherEnd) {
  EXPECT_EQ(owner_of_connection(kTable, 0xA1B2, 0x2239), uid_t{1007});
  EXPECT_EQ(owner_of_connection(kTable, 0x2239, 0xA1B2), uid_t{1000});
}

TEST(Peer, WhoIsNotInTheTableIsNobody) {
  EXPECT_EQ(owner_of_connection(kTable, 0xA1B4, 0x2239), std::nullopt);
  EXPECT_EQ(owner_of_connection("", 1, 2), std::nullopt);
  EXPECT_EQ(owner_of_connection("a b\n0: x y z\n", 1, 2), std::nullopt);
}

}  // namespace
}  // namespace mvn
