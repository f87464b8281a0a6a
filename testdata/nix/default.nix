# What tests of tools/nix evaluate: the packages, the functions on top of them, and the manual's examples as packages by the names of their files.
{ staging, cooper, tools }:

let
  pkgs = import ./packages.nix { inherit staging; };
  dockerTools = pkgs.callPackage tools { cooper = builtins.storePath cooper; };
  isShell = name: builtins.match ".*NixShell.*" name != null;
  example = name:
    pkgs.callPackage (./examples + "/${name}.nix")
      ({ inherit dockerTools; } // (if isShell name then { hello = pkgs.helloPackage; } else { }));
in
pkgs // { inherit dockerTools example; }
