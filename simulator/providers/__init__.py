"""The providers ``azure-native``, ``azuread`` and ``command``, in front of the simulated tenant."""
