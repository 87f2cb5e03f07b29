# Signs in to Azure, Entra and Exchange Online by the job's own token, with nothing stored: sourced by the task AzureCLI@2, which
# is signed in by the service connection. What .github/actions/sign-in is for GitHub.
# shellcheck shell=bash
set -euo pipefail
case "${CLOUD:-public}" in
    public) authority=login.microsoftonline.com ;;
    usGovernmentL4) authority=login.microsoftonline.us ;;
    usGovernmentL5) authority=login.microsoftonline.us ;;
    china) authority=login.chinacloudapi.cn ;;
    *) echo "##vso[task.logissue type=error]The variable CLOUD is '$CLOUD', and none of public, usGovernmentL4, usGovernmentL5, china."; exit 1 ;;
esac
token_file="$AGENT_TEMPDIRECTORY/federated-token"
fetch_token() {
    local new
    new=$(mktemp "$token_file.XXXXXX")
    # Chained, since errexit is off where a failure is tolerated: an empty token must not take a good one's place.
    curl --silent --show-error --fail --retry 5 --request POST --header "Content-Length: 0" --header "Authorization: Bearer $SYSTEM_ACCESSTOKEN" \
        "$SYSTEM_OIDCREQUESTURI?api-version=7.1&serviceConnectionId=$AZURESUBSCRIPTION_SERVICE_CONNECTION_ID" \
        | jq --raw-output --exit-status .oidcToken > "$new" && [[ -s $new ]] && mv "$new" "$token_file"
}
fetch_token
# The token lives for minutes, while a deployment waits for an hour and then has to write its state.
(while sleep 240; do fetch_token || true; done) > /dev/null 2>&1 &
renewer=$!
trap 'kill "$renewer" || true' EXIT
# For the providers, for the state and its key, and for the scripts, in this order. servicePrincipalId and tenantId are the task's.
export ARM_USE_OIDC=true ARM_OIDC_TOKEN_FILE_PATH="$token_file"
export ARM_CLIENT_ID="$servicePrincipalId" ARM_TENANT_ID="$tenantId"
ARM_SUBSCRIPTION_ID=$(az account show --query id --output tsv)
export ARM_SUBSCRIPTION_ID
export AZURE_CLIENT_ID="$servicePrincipalId" AZURE_TENANT_ID="$tenantId"
export AZURE_AUTHORITY_HOST="https://$authority/" AZURE_FEDERATED_TOKEN_FILE="$token_file"
export PULUMI_BACKEND_URL="$STATE"
export EXCHANGE_FEDERATED_TOKEN_FILE="$token_file" EXCHANGE_APP_ID="$servicePrincipalId"
