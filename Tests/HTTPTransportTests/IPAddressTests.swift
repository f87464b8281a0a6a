import Testing

@testable import HTTPTransport

@Suite struct IPAddressTests {
  @Test(arguments: [
    "0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.0.0.8", "198.18.0.1",
    "198.19.255.255",
    "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "febf::1", "fec0::1",
    "fc00::1",
    "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::127.0.0.1", "64:ff9b::a00:1",
    "64:ff9b:1::808:808", "2002:7f00:1::", "2002:a00:1::1",
  ])
  func `an address of this machine or a closed network is not public`(text: String) throws {
    #expect(try #require(IPAddress(host: text)).isPublic == false)
  }

  @Test(arguments: [
    "1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1",
    "169.253.0.1", "172.15.255.255", "172.32.0.1", "192.167.0.1", "192.169.0.1", "198.17.0.1", "198.20.0.1",
    "223.255.255.255", "2606:4700::1111", "fbff::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
  ])
  func `any other address is public`(text: String) throws {
    #expect(try #require(IPAddress(host: text)).isPublic)
  }

  @Test(arguments: [
    ("169.254.169.254", true), ("169.253.255.255", false), ("169.255.0.0", false), ("fe80::1", true),
    ("febf::1", true), ("fec0::1", false), ("::ffff:169.254.169.254", true), ("64:ff9b::a9fe:a9fe", true),
    ("127.0.0.1", false), ("10.0.0.1", false), ("::1", false),
  ])
  func `the addresses where clouds keep their secrets are known`(text: String, isOne: Bool) throws {
    let address = try #require(IPAddress(host: text))
    #expect(address.isLinkLocal == isOne)
    #expect(AddressRule.notLinkLocal.permits(address) == !isOne)
  }

  @Test(arguments: ["127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1"])
  func `odd spellings of an address are seen through`(text: String) throws {
    #expect(IPAddress(host: text) == nil)
    #expect(try #require(IPAddress(looselyReading: text)).isLoopback)
  }

  @Test(arguments: ["localhost", "a.b.c.d", "1.2.3.4.example", "", "[]", "[1.2.3.4]"])
  func `a name is no address`(text: String) { #expect(IPAddress(looselyReading: text) == nil) }
}
