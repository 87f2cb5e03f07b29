Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/module-block-sees-retry-variables.m.psm1" -Force

Show-Shadow -Name 'n'
